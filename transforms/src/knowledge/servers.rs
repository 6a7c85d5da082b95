//! Servers that write to places of their own: what has to be theirs before they can start as another user, and the user
//! that comes with them.

use super::releases::Family;
use super::sorted::{Row, Sorted};

static SERVERS: Sorted = Sorted::new(include_str!("../../data/servers.tsv"));

/// What a server needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    row: Row,
}

impl Server {
    /// Its program, as the table has it.
    pub fn program(&self) -> &'static str {
        self.row.key
    }

    /// The image that it is from; empty for the distribution's package.
    pub fn image(&self) -> &'static str {
        self.row.column(0).strip_prefix("image ").unwrap_or("")
    }

    /// The family of distributions that has it so, for packages; empty for all.
    pub fn family(&self) -> &'static str {
        if self.image().is_empty() { self.row.column(0) } else { "" }
    }

    /// The packages that bring it, where it is as the table says by them alone.
    pub fn packages(&self) -> impl Iterator<Item = &'static str> {
        self.row.column(1).split_ascii_whitespace()
    }

    /// The user and the group that come with it.
    pub fn user(&self) -> Option<(&'static str, &'static str)> {
        self.row.column(2).split_once(':')
    }

    /// Folders that are there and hold what it writes.
    pub fn folders(&self) -> impl Iterator<Item = &'static str> {
        self.row.column(3).split_ascii_whitespace()
    }

    /// Folders that are there, of which the content stays root's.
    pub fn flat(&self) -> impl Iterator<Item = &'static str> {
        self.row.column(4).split_ascii_whitespace()
    }

    /// Folders that may not be there.
    pub fn made(&self) -> impl Iterator<Item = &'static str> {
        self.row.column(5).split_ascii_whitespace().filter(|path| path.starts_with('/'))
    }

    /// Folders that it makes where it runs, if nobody names others.
    pub fn beside(&self) -> impl Iterator<Item = &'static str> {
        self.row.column(5).split_ascii_whitespace().filter(|path| !path.starts_with('/'))
    }

    /// Files that it writes in a folder that stays root's.
    pub fn files(&self) -> impl Iterator<Item = &'static str> {
        self.row.column(6).split_ascii_whitespace()
    }

    /// Its configuration and what it serves, which scripts fill in before they start it.
    pub fn filled(&self) -> impl Iterator<Item = &'static str> {
        self.row.column(7).split_ascii_whitespace()
    }
}

/// The server of this program, in an image of this name and family.
pub fn server(program: &str, image: &str, family: Option<Family>) -> Option<Server> {
    let program = match program {
        "apache2ctl" | "apachectl" | "apache2" => match family {
            Some(Family::Debian | Family::Ubuntu) => "apache2",
            _ => "httpd",
        },
        "httpd-foreground" if image != "httpd" => "httpd",
        "nginx" if image == "openresty/openresty" => "openresty",
        "mysqld_safe" | "mysqld" | "mariadbd" => "mysqld",
        // `php-fpm7.4`, `php5-fpm`.
        program if program != "php-fpm" && program.starts_with("php") && program.contains("fpm") => "php-fpm",
        program => program,
    };
    let family = family.map_or("", packages_of);
    let fitting = || SERVERS.all(program).map(|row| Server { row });
    let own = fitting().find(|server| !server.image().is_empty() && server.image() == image);
    own.or_else(|| {
        fitting().find(|server| server.image().is_empty() && (server.family().is_empty() || server.family() == family))
    })
}

/// Whether the table has the web servers of this family's packages.
pub fn knows(family: Family) -> bool {
    !packages_of(family).is_empty()
}

/// Whose packages a family has, as the table names them.
fn packages_of(family: Family) -> &'static str {
    match family {
        Family::Debian | Family::Ubuntu => "debian",
        Family::Alpine => "alpine",
        Family::Rhel | Family::Fedora | Family::Amazon => "rhel",
        _ => "",
    }
}

/// Every server that a package brings on this family, once each.
pub fn packaged(family: Option<Family>) -> impl Iterator<Item = Server> {
    let named = |server: &Server| server.packages().next().is_some();
    let rows = SERVERS.rows().map(|row| Server { row }).filter(named);
    rows.filter(move |one| server(one.program(), "", family).as_ref() == Some(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_its_columns_are_what_they_say() {
        SERVERS.check();
        for server in SERVERS.rows().map(|row| Server { row }) {
            let place = server.row.column(0);
            assert!(
                matches!(place, "" | "alpine" | "debian" | "rhel") || place.starts_with("image "),
                "{}: {place}",
                server.program()
            );
            assert!(server.row.column(2).is_empty() || server.user().is_some(), "{}", server.program());
            let folders = server.folders().chain(server.flat()).chain(server.files()).chain(server.filled());
            assert!(folders.into_iter().all(|path| path.starts_with('/')), "{}", server.program());
        }
    }

    #[test]
    fn a_server_is_found_by_its_image_before_its_distribution() {
        let found = |program, image, family| {
            let server = server(program, image, family)?;
            Some((server.program(), server.image(), server.family()))
        };
        assert_eq!(found("nginx", "nginx", Some(Family::Debian)), Some(("nginx", "nginx", "")));
        assert_eq!(found("nginx", "debian", Some(Family::Debian)), Some(("nginx", "", "debian")));
        assert_eq!(found("apachectl", "ubuntu", Some(Family::Ubuntu)), Some(("apache2", "", "debian")));
        assert_eq!(found("apachectl", "centos", Some(Family::Rhel)), Some(("httpd", "", "rhel")));
        assert_eq!(found("php-fpm7.4", "alpine", Some(Family::Alpine)), Some(("php-fpm", "", "alpine")));
        assert_eq!(found("searchd", "alpine", Some(Family::Alpine)), None);
        assert_eq!(found("etcd", "alpine", Some(Family::Alpine)), Some(("etcd", "", "")));
    }

    #[test]
    fn packages_bring_their_servers() {
        let programs: Vec<_> = packaged(Some(Family::Debian)).map(|server| server.program()).collect();
        assert!(programs.contains(&"searchd") && programs.contains(&"icecast2") && !programs.contains(&"icecast"));
        assert!(!programs.contains(&"nginx"));
    }
}
