"""A folder that receives lock, sticker and receipts; runs nothing."""
