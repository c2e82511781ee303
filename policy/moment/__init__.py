"""Gates that decide asks about the moment: approvals, freeze windows."""
