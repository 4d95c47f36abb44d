"""What a network costs, from the shapes alone: its own code is run on shapes in place of tensors."""
