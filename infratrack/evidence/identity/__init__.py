"""Who runs here, as somebody else vouches for it: issuers' keys, their tokens, and the keys that tokens endorse."""
