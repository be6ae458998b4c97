//! `kontor seed`: the demo, or tenants of many rows. Both have people whose password everybody knows;
//! production refuses them.

mod demo;
mod life;
mod progress;
mod scale;
mod setup;
mod sizes;
mod story;

pub use demo::{demo, seed_demo, seed_people};
pub use scale::{Seeding, seed_scale};

use super::{Config, Settings};
use crate::{
    accounts::Passwords,
    clock::{Clock, Day},
    config::Seed,
    db::inspect,
    error::{Error, Result},
};

/// Printed plainly wherever the demo is; production refuses the demo.
pub const DEMO_PASSWORD: &str = "kontor-demo";

pub(super) async fn command(config: &Config, settings: &Settings, what: Seed) -> Result<()> {
    if config.is_production() {
        return Err(Error::internal("Production refuses the demo."));
    }
    let (_, state) = inspect(settings).await?;
    if let Some(complaint) = state.complaint() {
        return Err(Error::internal(complaint));
    }
    let (clock, passwords) = (Clock::system(), Passwords::new(config.bcrypt_cost));
    let Some(scale) = what.scale else {
        match seed_demo(settings, &clock, &passwords).await? {
            true => println!("Filled the database with the demo."),
            false => println!("The demo is there already."),
        }
        return Ok(());
    };
    let day = Day(what.day.unwrap_or(clock.now().0.date_naive()));
    let made = seed_scale(settings, Seeding { scale, day, passwords: &passwords }).await?;
    match made.is_empty() {
        true => println!("All of it is there already."),
        false => {
            println!("\nIts people are those of the demo, with the password {DEMO_PASSWORD}:");
            for slug in made {
                println!("  owner@{slug}.test, manager@{slug}.test, rep@{slug}.test, …");
            }
        }
    }
    Ok(())
}
