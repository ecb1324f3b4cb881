"""The only wing that imports torch; the catalog names what lives here, and nothing else imports it."""
