"""Results as plain values, which pass between processes and are kept by the store."""
