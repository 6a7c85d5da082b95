//! Users and groups, made in the idiom of a distribution.

use crate::knowledge::releases::Family;

/// A user to be made, with a group of its own.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// The name of the user.
    pub name: &'a str,
    /// The name of the group.
    pub group: &'a str,
    /// The uid, in decimal, where it has to be that one.
    pub uid: Option<&'a str>,
    /// The gid, in decimal, where it has to be that one.
    pub gid: Option<&'a str>,
    /// The home directory, where it is not the one that the tools make.
    pub home: Option<&'a str>,
    /// Whether it is a user of the system: one without a password, from the lower ids.
    pub system: bool,
}

impl Account<'_> {
    /// The commands that make the group and the user; `None` where the family has no tools for it, or is not known.
    pub fn commands(&self, family: Option<Family>) -> Option<[String; 2]> {
        let Self { name, group, .. } = self;
        let option = |option: &str, value: Option<&str>| match value {
            Some(value) => format!("{option} {value} "),
            None => String::new(),
        };
        match family? {
            Family::Alpine | Family::BusyBox | Family::Wolfi => {
                let (groups, users) = if self.system { ("-S ", "-S ") } else { ("", "-D ") };
                let gid = option("-g", self.gid);
                let uid = option("-u", self.uid);
                let home = option("-h", self.home);
                Some([format!("addgroup {groups}{gid}{group}"), format!("adduser {users}{uid}{home}{name} -G {group}")])
            }
            Family::Debian
            | Family::Ubuntu
            | Family::Rhel
            | Family::Fedora
            | Family::Suse
            | Family::Arch
            | Family::Amazon
            | Family::Photon
            | Family::Mariner => {
                let system = if self.system { "--system " } else { "" };
                let gid = option("--gid", self.gid);
                let uid = option("--uid", self.uid);
                let home = option("--home-dir", self.home);
                Some([
                    format!("groupadd {system}{gid}{group}"),
                    format!("useradd {system}{uid}--gid {group} {home}--create-home {name}"),
                ])
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_has_its_idiom() {
        let app = Account { name: "app", group: "app", uid: None, gid: None, home: None, system: true };
        let of = |account: Account<'_>, family| account.commands(Some(family)).map(|commands| commands.join(" && "));
        assert_eq!(of(app, Family::Alpine).as_deref(), Some("addgroup -S app && adduser -S app -G app"));
        assert_eq!(
            of(app, Family::Debian).as_deref(),
            Some("groupadd --system app && useradd --system --gid app --create-home app")
        );
        assert_eq!(of(app, Family::Scratch), None);
        let same = Account { uid: Some("1000"), gid: Some("1000"), home: Some("/data"), system: false, ..app };
        assert_eq!(
            of(same, Family::Alpine).as_deref(),
            Some("addgroup -g 1000 app && adduser -D -u 1000 -h /data app -G app")
        );
        assert_eq!(
            of(same, Family::Rhel).as_deref(),
            Some("groupadd --gid 1000 app && useradd --uid 1000 --gid app --home-dir /data --create-home app")
        );
    }
}
