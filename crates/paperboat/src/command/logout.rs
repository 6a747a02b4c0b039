//! `paperboat logout`: removes what `paperboat login` stored.

use crate::args::Logout;
use crate::command::login;
use crate::failure::Failure;
use crate::print;
use crate::secrets::{Kind, Store};

pub(crate) fn execute(args: &Logout) -> Result<(), Failure> {
    let flag = args.base_url.as_deref();
    // Both before one is removed: either may not be an address.
    let mut origins = Vec::new();
    for kind in Kind::ALL {
        origins.push((kind, login::origin(kind, flag)?));
    }
    let store = Store::of_user()?;
    let path = store.path().display();
    let mut is_any_removed = false;
    for (kind, origin) in origins {
        if !store.remove(&origin, kind)? {
            continue;
        }
        is_any_removed = true;
        print::stderr(format_args!("removed the {kind} for {origin} from {path}"));
        if origin.is_comet() {
            print::stderr(format_args!(
                "  the service accepts it until you delete it there: {}",
                kind.page()
            ));
        }
    }
    if !is_any_removed {
        let origin = login::origin(Kind::Key, flag)?;
        print::stderr(format_args!("nothing is stored for {origin} in {path}"));
    }
    Ok(())
}
