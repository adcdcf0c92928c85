"""One page of HTML that needs nothing else: from reports, figures and words to text."""
