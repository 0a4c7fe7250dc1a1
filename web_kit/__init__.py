"""What the three web apps share, and how all assets are served."""
