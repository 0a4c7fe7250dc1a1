"""What must survive the call, tested on real encoded media."""
