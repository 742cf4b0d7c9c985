"""What other people's clients speak: today the texts of their tools. It translates and never decides."""
