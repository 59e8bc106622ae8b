"""Everything that writes: CSV files, TensorBoard, pictures, summary, report, console."""
