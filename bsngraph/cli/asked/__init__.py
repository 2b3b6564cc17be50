"""What a run is asked without a word of the command line for each thing: by a file of
settings, or by the config.json of a run.
"""
