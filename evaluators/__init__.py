"""How good a candidate is: segmentation tasks, training and scoring. The only home of monai."""
