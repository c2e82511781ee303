"""A verdict as other tools read it: SARIF, JUnit, Markdown. Pure: values in, text out."""
