//! What every database must do alike.

mod audit_and_state;
mod cluster_rows;
mod coverage;
mod deliveries;
mod grids;
mod logs;
mod references;
mod runs;
