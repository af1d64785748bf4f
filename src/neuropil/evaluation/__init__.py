"""Evaluation: embeddings, retrieval, zero-shot classification beside plain methods, pictures and a report."""
