"""What a reader sees: README and other pages; and are the new numbers the committed ones?"""
