"""Gates that judge asks, named by what they demand."""
