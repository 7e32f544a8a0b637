//! A message into queue and priority, with confidence and reasons.
