"""What a metric says at this moment."""

from chatd import metrics


def value(name: str, **labels: str) -> float:
    """One sample; 0 before there is any."""
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0
