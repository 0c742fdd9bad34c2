"""One net that holds the weights of a whole space: trained once, its subnets scored without training."""
