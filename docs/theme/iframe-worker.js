// The search runs in a Worker, which browsers refuse to pages that were opened from a folder.
// There, a hidden frame does a Worker's work.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.title = "Search";
      document.body.append(frame);
      this.inside = frame.contentWindow;
      this.waiting = []; // messages that come before the script is there
      this.inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      const script = this.inside.document.createElement("script");
      script.src = String(url);
      script.onload = () => {
        const waiting = this.waiting;
        this.waiting = null;
        for (const data of waiting) this.postMessage(data);
      };
      this.inside.document.body.append(script);
    }
    postMessage(data) {
      if (this.waiting) this.waiting.push(data);
      else this.inside.dispatchEvent(new MessageEvent("message", { data }));
    }
  };
}

// An option is found as it is written: the search would take its dashes for "without this word",
// and any of its words for enough.
const post = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (message, ...others) {
  if (typeof message?.data !== "string") return post.call(this, message, ...others);
  const data = message.data.replace(/(?<!\S)--([\w-]+)/g, (option, words) =>
    words.split("-").filter(Boolean).map((word) => `+${word}`).join(" "));
  return post.call(this, { ...message, data }, ...others);
};
