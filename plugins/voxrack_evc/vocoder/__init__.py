"""From log-mel, fundamental frequency and voicing to sound."""
