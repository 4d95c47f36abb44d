"""All architectures that can be chosen from: declaring them, drawing, changing and counting them, and their files."""
