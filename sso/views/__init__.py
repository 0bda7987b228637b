"""HTTP, by what a person wants: to sign in, to get back in."""
