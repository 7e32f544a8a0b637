//! Templates into mail, and mail out of the house.
