"""Which model is served: alias, download, proof, predictor."""
