//! A soak: runs over a list whose upstream changes all the time, between real
//! registries that want tokens which soon expire, through proxies that break
//! one request in a hundred. What is looked for is what only time shows:
//! memory and descriptors that grow, tasks that never end, rows that no later
//! run sets right.

mod asking;
mod faults;
mod figures;
mod hour;
mod plan;
mod samples;
mod stage;
mod upstream;
mod verify;
mod watch;
