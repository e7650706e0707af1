"""The three trainings of ``evc.diffevc``: content encoder, speaker encoder, decoder; each a run of its own."""
