"""What happens around a run: parameters are checked, inputs looked for, figures tracked, a summary shown."""
