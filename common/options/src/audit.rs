//! Finds options that a program forgets.

use crate::{Options, Program, Request, Spec, UsageError};

impl Program {
    /// Returns the options that `configure` never reads, or that are missing from the list of all
    /// known variables; a test of each program checks that it has none. An option counts as read if `configure` complains about a value with a NUL, which no
    /// reader accepts.
    pub fn unread_options<C>(
        &self,
        configure: impl Fn(&Options) -> Result<C, UsageError>,
    ) -> Vec<&'static str> {
        let is_read = |spec: &&Spec| {
            let nul = || "\0".into();
            let (arguments, variables, place) = match spec.variable() {
                Some(variable) => {
                    let place = format!("({variable})");
                    (Vec::new(), vec![(variable.into(), nul())], place)
                }
                None => (
                    vec![spec.name().into(), nul()],
                    Vec::new(),
                    spec.name().to_string(),
                ),
            };
            let complaint = match self.read(arguments, variables) {
                Ok(Request::Run(options)) => configure(&options).err(),
                Ok(Request::Print(_)) | Err(_) => None,
            };
            complaint.is_some_and(|error| error.to_string().contains(&place))
        };
        let unread = self.options.iter().filter(|spec| !is_read(spec));
        unread.map(Spec::name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: Program = Program {
        name: "test",
        usage: "",
        about: "",
        version: "",
        options: &[
            Spec::new("-t, --threads N", "7", "a number"),
            Spec::switch("-q, --quiet", "a switch"),
            Spec::optional("ADDR", "none", "an address"),
        ],
    };

    fn configure(options: &Options) -> Result<(), UsageError> {
        options.number("--threads", 0..=9)?;
        options.switch("--quiet")?;
        let address = |text: &str| (!text.contains('\0')).then_some(());
        options.value("ADDR", "text", address).map(drop)
    }

    #[test]
    fn an_option_that_is_never_read_is_found() {
        assert_eq!(PROGRAM.unread_options(configure), [""; 0]);
        let number = |options: &Options| options.number("--threads", 0..=9);
        assert_eq!(PROGRAM.unread_options(number), ["--quiet", "ADDR"]);
        let any = |options: &Options| options.value("ADDR", "", |_| Some(()));
        assert_eq!(
            PROGRAM.unread_options(any),
            ["--threads", "--quiet", "ADDR"]
        );
    }

    #[test]
    fn an_option_that_is_not_in_the_list_of_variables_is_found() {
        const OPTIONS: &[Spec] = &[Spec::new("--unlisted N", "7", "a number")];
        let program = Program {
            options: OPTIONS,
            ..PROGRAM
        };
        let number = |options: &Options| options.number("--unlisted", 0..=9);
        assert_eq!(program.unread_options(number), ["--unlisted"]);
    }
}
