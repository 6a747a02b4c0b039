//! `paperboat logout`: removes what `paperboat login` stored.

use crate::args::Logout;
use crate::command::login;
use crate::failure::Failure;
use crate::print;
use crate::secrets::Store;

pub(crate) fn execute(args: &Logout) -> Result<(), Failure> {
    let origin = login::origin(args.base_url.as_deref())?;
    let store = Store::of_user()?;
    let path = store.path().display();
    let removed = store.remove(&origin)?;
    if removed.is_empty() {
        print::stderr(format_args!("nothing is stored for {origin} in {path}"));
    }
    for kind in removed {
        print::stderr(format_args!("removed the {kind} for {origin} from {path}"));
        if origin.is_comet() {
            print::stderr(format_args!(
                "  the service accepts it until you delete it there: {}",
                kind.page()
            ));
        }
    }
    Ok(())
}
