//! The parts of `cargo xtask`, for real, and the house rules of this repository.

#[cfg(test)]
mod chart;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod images;
#[cfg(test)]
mod links;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod parts;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod tour;
