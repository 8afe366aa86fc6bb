//! `nameplate plugin`: the components of an installation, and which tenant runs which.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use clap::Subcommand;
use nameplate_store::{ControlStore, Tenant};

use super::tenants::tenant_named;
use super::{Workplace, serve, table};
use crate::hex::hex;
use crate::limits::Limits;
use crate::plugins::{Pin, Shelf};
use crate::wasm::{Sandbox, WasmOptions};

/// How the component that comes with the runtime is called.
const BUILT_IN: &str = "built-in";

/// Characters of a SHA-256 that are shown in lists; enough to name one of thousands.
const SHORT: usize = 12;

const EXAMPLES: &str = "\
Examples:
  nameplate plugin add plugin.wasm
      check the component and put it into the folder; prints its sha256
  nameplate plugin use --tenant acme 3f9a1c20b7d4
      try it on the settings of the tenant, then let the tenant run it
  nameplate plugin rollback --tenant acme
  nameplate plugin use --tenant acme built-in";

/// Which component a tenant runs.
#[derive(Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum PluginCommand {
    /// Put a component into the folder, if this runtime takes it
    ///
    /// A signature is taken along from `FILE.minisig`. Where `plugin_keys` are set, a
    /// component has to be signed by one of them.
    Add {
        /// The component
        file: PathBuf,
    },
    /// List the components in the folder and who runs them
    List,
    /// Let a tenant run a component
    ///
    /// It is loaded, shown the settings of the tenant and its connections, and has to
    /// answer a request; if anything fails, nothing is changed. Running servers follow
    /// within five seconds, without a failed request.
    Use {
        /// Which tenant
        #[arg(long, default_value = "default", value_name = "NAME")]
        tenant: String,
        /// Its sha256 or the beginning of it, or `built-in`
        component: String,
    },
    /// Let a tenant run again what it ran before
    Rollback {
        /// Which tenant
        #[arg(long, default_value = "default", value_name = "NAME")]
        tenant: String,
    },
    /// Remove a component that no tenant runs
    Remove {
        /// Also if a tenant could go back to it
        #[arg(long)]
        force: bool,
        /// Its sha256 or the beginning of it
        component: String,
    },
}

impl PluginCommand {
    pub(super) async fn run(self, place: &Workplace) -> Result<()> {
        let shelf = Shelf::new(place.config.plugin_folder(), place.config.plugin_keys());
        match self {
            Self::Add { file } => add(place, &shelf, &file).await,
            Self::List => list(place, &shelf).await,
            Self::Use { tenant, component } => {
                let tenant = tenant_named(place, &tenant).await?;
                let pin = match component.as_str() {
                    BUILT_IN => None,
                    name => Some(named(&shelf, name)?),
                };
                let runtime = serve::build(serve::runtime(place)?).await?;
                let changed = runtime.use_plugin(tenant.id, pin).await;
                told(&changed.with_context(|| unchanged(&tenant))?);
                Ok(())
            }
            Self::Rollback { tenant } => {
                let tenant = tenant_named(place, &tenant).await?;
                let runtime = serve::build(serve::runtime(place)?).await?;
                let changed = runtime.roll_back_plugin(tenant.id).await;
                told(&changed.with_context(|| unchanged(&tenant))?);
                Ok(())
            }
            Self::Remove { force, component } => remove(place, &shelf, &component, force).await,
        }
    }
}

fn unchanged(tenant: &Tenant) -> String {
    format!(
        "tenant `{}` still runs {}",
        tenant.name,
        shown(tenant.plugin)
    )
}

fn told(tenant: &Tenant) {
    println!(
        "tenant {} runs {}; running servers follow within five seconds",
        tenant.name,
        shown(tenant.plugin)
    );
}

/// A component as people see it.
fn shown(pin: Option<Pin>) -> String {
    pin.map_or_else(
        || BUILT_IN.to_owned(),
        |pin| hex(&pin).chars().take(SHORT).collect(),
    )
}

async fn add(place: &Workplace, shelf: &Shelf, file: &Path) -> Result<()> {
    let found = shelf.look_at(file)?;
    shelf.trusted(&found)?;
    let cache = place.config.plugin_cache();
    let component = found.component.clone();
    // Compiling it now, into the cache, saves the server from it.
    let inspect = move || -> Result<_> {
        let sandbox = Sandbox::new(WasmOptions {
            limits: Limits::default(),
            cache,
            ..WasmOptions::default()
        })?;
        Ok(sandbox.inspect(&component))
    };
    let inspection = tokio::task::spawn_blocking(inspect).await??;
    if let Some(why) = inspection.refused {
        bail!("this runtime does not take `{}`: {why}", file.display());
    }
    let path = shelf.put(&found)?;
    println!("added {}", path.display());
    println!("signature  {}", found.signature.as_str());
    println!("sha256     {}", hex(&found.pin));
    println!(
        "Next: `nameplate plugin use --tenant NAME {}`",
        shown(Some(found.pin))
    );
    Ok(())
}

async fn list(place: &Workplace, shelf: &Shelf) -> Result<()> {
    let tenants = place.store.tenants().await?;
    let running = |pin: Option<Pin>| {
        let running = tenants.iter().filter(|tenant| tenant.plugin == pin);
        let names: Vec<&str> = running.map(|tenant| tenant.name.as_str()).collect();
        match names.len() {
            0 => "-".to_owned(),
            1..=3 => names.join(", "),
            many => format!("{many} tenants"),
        }
    };
    let mut rows = vec![vec![
        BUILT_IN.to_owned(),
        "-".to_owned(),
        "-".to_owned(),
        running(None),
    ]];
    for pin in shelf.pins()? {
        let found = shelf.look_at(&shelf.path(&pin))?;
        let signature = if found.pin == pin {
            found.signature.as_str()
        } else {
            "changed since it was added"
        };
        let bytes = found.component.len().to_string();
        rows.push(vec![
            shown(Some(pin)),
            bytes,
            signature.to_owned(),
            running(Some(pin)),
        ]);
    }
    table::print(&["COMPONENT", "BYTES", "SIGNATURE", "RUN BY"], &rows);
    Ok(())
}

async fn remove(place: &Workplace, shelf: &Shelf, component: &str, force: bool) -> Result<()> {
    let pin = named(shelf, component)?;
    for tenant in place.store.tenants().await? {
        let name = &tenant.name;
        if tenant.plugin == Some(pin) {
            bail!(
                "tenant `{name}` runs it; first `nameplate plugin use --tenant {name}` another \
                 one, or `{BUILT_IN}`"
            );
        }
        if tenant.previous_plugin == Some(pin) && !force {
            bail!("tenant `{name}` could go back to it; give `--force` if it never will");
        }
    }
    shelf.remove(&pin)?;
    println!("removed {}", hex(&pin));
    Ok(())
}

/// The one component in the folder whose hash begins so.
fn named(shelf: &Shelf, text: &str) -> Result<Pin> {
    let wanted = text.to_ascii_lowercase();
    if wanted.len() < 4 || !wanted.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        bail!(
            "`{text}` names no component; give at least four digits of its sha256, see `nameplate plugin list`"
        );
    }
    let pins = shelf.pins()?;
    let mut found = pins.iter().filter(|pin| hex(*pin).starts_with(&wanted));
    match (found.next(), found.next()) {
        (Some(pin), None) => Ok(*pin),
        (Some(_), Some(_)) => Err(anyhow!(
            "more than one component begins with `{text}`; give more of its sha256"
        )),
        (None, _) => Err(anyhow!(
            "there is no component `{text}`; bring it with `nameplate plugin add FILE`, see \
             `nameplate plugin list`"
        )),
    }
}
