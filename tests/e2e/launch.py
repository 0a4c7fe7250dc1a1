"""Runs the command ``teller`` with every blocking call in the event loop turned into an error."""

from blockbuster import BlockBuster

from teller.cli import main

if __name__ == "__main__":
    guard = BlockBuster(["contract", "signaling", "media", "kyc", "recordings", "store", "web_kit", "teller"])
    guard.activate()
    main()
