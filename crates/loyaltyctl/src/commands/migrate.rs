//! `migrate`: the tables of a ledger.

use crate::edge::{Halt, Verdict};
use crate::screen::Screen;
use crate::target::open_migrated;

/// Make or renew the tables of a ledger
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs a database user that may make tables; workers only check that the tables are there.

Examples:
  LEDGER_URL=postgres://owner:PASSWORD@db/loyalty loyaltyctl migrate
  loyaltyctl migrate --ledger sqlite:ledger.db")]
pub(crate) struct Args {
    /// The ledger, `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`
    #[arg(long, value_name = "URL", env = "LEDGER_URL", hide_env_values = true)]
    ledger: String,
}

pub(super) async fn run(args: &Args, screen: &Screen) -> Result<Verdict, Halt> {
    let ledger = open_migrated(&args.ledger).await?;
    if screen.is_json() {
        screen.json(&serde_json::json!({ "ledger": ledger.address(), "migrated": true }))?;
    } else {
        screen.show(&format!("ledger {}: its tables are of this version\n", ledger.address()))?;
    }
    Ok(Verdict::Fine)
}
