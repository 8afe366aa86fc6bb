//! `nameplate completions` and `nameplate man`: what is written from the command line's
//! own description, so that it can never say something else.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::Cli;

const NAME: &str = "nameplate";

const SHELLS: &str = "\
Examples:
  nameplate completions bash > /etc/bash_completion.d/nameplate
  nameplate completions zsh > ~/.zfunc/_nameplate
  nameplate completions fish > ~/.config/fish/completions/nameplate.fish";

/// For the shell to complete what is typed.
#[derive(Args)]
#[command(after_help = SHELLS)]
pub(super) struct Completions {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

const PAGES: &str = "\
Examples:
  nameplate man | man -l -
  nameplate man --out /usr/local/share/man/man1
      a page for each command";

/// For `man` to show.
#[derive(Args)]
#[command(after_help = PAGES)]
pub(super) struct ManPages {
    /// Write a page for each command into this folder, instead of one page to standard
    /// output
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl Completions {
    pub(super) fn run(&self) -> Result<()> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), NAME, &mut text);
        print(&text)
    }
}

impl ManPages {
    pub(super) fn run(&self) -> Result<()> {
        let mut command = Cli::command();
        command.build();
        let Some(folder) = &self.out else {
            return print(&page(&command)?);
        };
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
        write_pages(&command, NAME, folder)
    }
}

/// A page for a command and for each below it: `nameplate-token-create.1`.
fn write_pages(command: &Command, name: &str, folder: &Path) -> Result<()> {
    let file = folder.join(format!("{name}.1"));
    std::fs::write(&file, page(command)?)
        .with_context(|| format!("cannot write `{}`", file.display()))?;
    for below in below(command) {
        write_pages(below, &format!("{name}-{}", below.get_name()), folder)?;
    }
    Ok(())
}

fn below(command: &Command) -> impl Iterator<Item = &Command> {
    let commands = command.get_subcommands();
    commands.filter(|command| command.get_name() != "help" && !command.is_hide_set())
}

fn page(command: &Command) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    Man::new(command.clone()).render(&mut text)?;
    Ok(text)
}

fn print(text: &[u8]) -> Result<()> {
    io::stdout()
        .write_all(text)
        .context("cannot write to standard output")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use clap::ValueEnum;

    use super::*;

    /// Every command there is, as it is typed.
    fn commands(command: &Command, typed: &str) -> Vec<String> {
        let mut all = vec![typed.to_owned()];
        for below in below(command) {
            all.extend(commands(below, &format!("{typed} {}", below.get_name())));
        }
        all
    }

    #[test]
    fn every_command_is_completed_in_every_shell() {
        let all = commands(&Cli::command(), NAME);
        assert!(all.len() > 20, "{all:?}");
        for shell in Shell::value_variants() {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), NAME, &mut text);
            let text = String::from_utf8(text).unwrap();
            for word in all.iter().flat_map(|typed| typed.split(' ')) {
                assert!(text.contains(word), "{shell}: {word}");
            }
        }
    }

    #[test]
    fn every_command_has_a_page_that_names_its_options() {
        let folder = tempfile::tempdir().unwrap();
        let pages = ManPages {
            out: Some(folder.path().to_owned()),
        };
        pages.run().unwrap();
        for typed in commands(&Cli::command(), NAME) {
            let file = folder.path().join(format!("{}.1", typed.replace(' ', "-")));
            let page = std::fs::read_to_string(&file).unwrap();
            assert!(page.contains(r"\-\-config"), "{typed}");
        }
    }
}
