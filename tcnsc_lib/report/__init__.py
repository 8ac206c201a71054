"""What a reader sees: README, pages and site; and are the new numbers the committed ones?"""
