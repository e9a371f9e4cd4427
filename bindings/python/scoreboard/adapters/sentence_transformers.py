"""sentence-transformers: its loss of query, document and negatives, and the directions that make NT-Xent of it."""

from entry import Entry, Package

PACKAGE = Package(
    "sentence-transformers",
    "6.2.0",
    "https://github.com/huggingface/sentence-transformers",
    needs_with_theirs=("transformers==5.24.0", "scikit-learn==1.9.1"),
)


def ranking():
    import torch
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss as Loss

    def MultipleNegativesRankingLoss(anchor, positives, negatives, temperature):
        loss = Loss(None, scale=1.0 / temperature)
        rows = zip(anchor, positives, negatives)
        one_by_one = [loss.compute_loss_from_embeddings([a[None], p[:1], *n[:, None]], None) for a, p, n in rows]
        return torch.stack(one_by_one)

    return MultipleNegativesRankingLoss


def with_queries():
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss as Loss

    def MultipleNegativesRankingLoss(z_i, z_j, temperature):
        loss = Loss(None, scale=1.0 / temperature, directions=("query_to_doc", "query_to_query"))
        return loss.compute_loss_from_embeddings([z_i, z_j], None)

    return MultipleNegativesRankingLoss


WHERE = "sentence_transformers.losses.MultipleNegativesRankingLoss"
ENTRIES = [
    Entry("sentence-transformers-ranking", PACKAGE, WHERE, ranking),
    Entry("sentence-transformers-with-queries", PACKAGE, f"{WHERE}(directions=('query_to_doc', 'query_to_query'))", with_queries),
]
