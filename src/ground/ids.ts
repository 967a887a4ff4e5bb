/** A server of the cluster: a small non-negative integer, unique and never reused. */
export type NodeId = number;
/** Raft's logical clock (§5.1): elections begin terms, and terms only grow. The first is 1. */
export type Term = number;
/** A position in the log. The first entry has index 1; 0 stands before it. */
export type LogIndex = number;
