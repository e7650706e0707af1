"""TRNet (Chen and Zhang 2024): how recordings, what an enhancer makes of them, and clean speech become a recogniser."""
