"""What is proven: the Merkle log, checkpoints, proofs, storage and blobs."""
