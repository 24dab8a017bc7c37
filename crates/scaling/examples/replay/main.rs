//! `cargo run -p scaling --example replay`: traces of arrivals replayed against the scaler, beside an oracle.

mod model;
mod print;

fn main() -> std::process::ExitCode {
    print::run(std::env::args_os())
}
