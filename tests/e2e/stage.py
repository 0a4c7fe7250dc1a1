"""Where a scripted case shows its progress in tests."""


class Quiet:
    """Keeps the steps, for a failure's message."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, text: str, detail: str = "") -> None:
        """Keep a finished step."""
        self.steps.append(f"{text} {detail}")

    def progress(self, note: str, fraction: float) -> None:
        """Progress is a fraction."""
        assert 0 <= fraction <= 1, note
