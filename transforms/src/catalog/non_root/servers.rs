//! Servers that write to places of their own: what has to be theirs before they can start as another user.

use crate::knowledge::releases::Family;

/// What a server needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Server {
    /// Its program, as an entry names it.
    pub(super) program: &'static str,
    /// The image that it is from; empty for the distribution's package.
    pub(super) image: &'static str,
    /// The family, for packages; empty for all.
    pub(super) family: &'static str,
    /// The user and the group that come with it.
    pub(super) user: Option<(&'static str, &'static str)>,
    /// Folders that are there and hold what it writes.
    pub(super) folders: &'static [&'static str],
    /// Folders that are there, of which the content stays root's.
    pub(super) flat: &'static [&'static str],
    /// Folders that may not be there.
    pub(super) made: &'static [&'static str],
    /// Files that it writes in a folder that stays root's.
    pub(super) files: &'static [&'static str],
    /// Its configuration and what it serves, which scripts fill in before they start it.
    pub(super) filled: &'static [&'static str],
}

const NONE: Server = Server {
    program: "",
    image: "",
    family: "",
    user: None,
    folders: &[],
    flat: &[],
    made: &[],
    files: &[],
    filled: &[],
};
const WWW: Option<(&str, &str)> = Some(("www-data", "www-data"));

/// That of the image of the same name.
const HTTPD: Server = Server {
    program: "httpd",
    image: "httpd",
    user: WWW,
    folders: &["/usr/local/apache2/logs"],
    filled: &["/usr/local/apache2/conf", "/usr/local/apache2/htdocs"],
    ..NONE
};

/// That of the distributions, each with its family.
const LIGHTTPD: Server = Server {
    program: "lighttpd",
    user: Some(("lighttpd", "lighttpd")),
    folders: &["/var/log/lighttpd"],
    made: &["/run/lighttpd", "/var/lib/lighttpd"],
    files: &["/run/lighttpd.pid"],
    filled: &["/etc/lighttpd"],
    ..NONE
};

static SERVERS: &[Server] = &[
    Server {
        program: "nginx",
        image: "nginx",
        user: Some(("nginx", "nginx")),
        folders: &["/var/cache/nginx"],
        files: &["/var/run/nginx.pid"],
        filled: &["/etc/nginx", "/usr/share/nginx/html"],
        ..NONE
    },
    Server {
        program: "nginx",
        family: "alpine",
        user: Some(("nginx", "nginx")),
        folders: &["/var/lib/nginx", "/var/log/nginx"],
        made: &["/run/nginx"],
        filled: &["/etc/nginx"],
        ..NONE
    },
    Server {
        program: "nginx",
        family: "debian",
        user: WWW,
        folders: &["/var/lib/nginx", "/var/log/nginx"],
        files: &["/run/nginx.pid"],
        filled: &["/etc/nginx"],
        ..NONE
    },
    Server {
        program: "nginx",
        family: "rhel",
        user: Some(("nginx", "nginx")),
        folders: &["/var/log/nginx"],
        made: &["/var/lib/nginx", "/var/cache/nginx"],
        files: &["/run/nginx.pid"],
        filled: &["/etc/nginx"],
        ..NONE
    },
    Server {
        program: "openresty",
        image: "openresty/openresty",
        made: &["/usr/local/openresty/nginx/logs", "/var/run/openresty"],
        flat: &["/usr/local/openresty/nginx"],
        filled: &["/usr/local/openresty/nginx/conf", "/etc/nginx/conf.d"],
        ..NONE
    },
    HTTPD,
    Server { program: "httpd-foreground", ..HTTPD },
    // The image gives these folders to everybody.
    Server { program: "apache2-foreground", image: "", user: WWW, ..NONE },
    Server { program: "php-fpm", image: "php", user: WWW, ..NONE },
    Server {
        program: "php-fpm",
        family: "debian",
        user: WWW,
        made: &["/run/php"],
        files: &["/var/log/php{}-fpm.log"],
        ..NONE
    },
    Server { program: "php-fpm", family: "alpine", made: &["/var/log/php{}"], ..NONE },
    Server {
        program: "php-fpm",
        family: "rhel",
        user: Some(("apache", "apache")),
        folders: &["/var/log/php-fpm"],
        made: &["/run/php-fpm"],
        ..NONE
    },
    Server {
        program: "apache2",
        family: "debian",
        user: WWW,
        folders: &["/var/log/apache2"],
        made: &["/var/run/apache2", "/var/lock/apache2"],
        filled: &["/etc/apache2"],
        ..NONE
    },
    Server {
        program: "httpd",
        family: "rhel",
        user: Some(("apache", "apache")),
        folders: &["/var/log/httpd"],
        made: &["/run/httpd"],
        ..NONE
    },
    Server {
        program: "httpd",
        family: "alpine",
        user: Some(("apache", "apache")),
        folders: &["/var/log/apache2"],
        made: &["/run/apache2"],
        ..NONE
    },
    Server {
        program: "catalina.sh",
        image: "tomcat",
        flat: &[
            "/usr/local/tomcat/conf",
            "/usr/local/tomcat/logs",
            "/usr/local/tomcat/temp",
            "/usr/local/tomcat/webapps",
            "/usr/local/tomcat/work",
        ],
        ..NONE
    },
    Server {
        program: "redis-server",
        family: "debian",
        user: Some(("redis", "redis")),
        folders: &["/var/lib/redis", "/var/log/redis"],
        ..NONE
    },
    Server {
        program: "redis-server",
        family: "alpine",
        user: Some(("redis", "redis")),
        folders: &["/var/lib/redis", "/var/log/redis"],
        ..NONE
    },
    Server { family: "debian", user: WWW, made: &["/run/lighttpd", "/var/cache/lighttpd"], ..LIGHTTPD },
    Server { family: "alpine", ..LIGHTTPD },
    Server { family: "rhel", ..LIGHTTPD },
    Server {
        program: "mosquitto",
        family: "debian",
        user: Some(("mosquitto", "mosquitto")),
        made: &["/var/lib/mosquitto", "/var/log/mosquitto", "/run/mosquitto"],
        ..NONE
    },
    Server {
        program: "mosquitto",
        family: "alpine",
        user: Some(("mosquitto", "mosquitto")),
        made: &["/var/lib/mosquitto", "/var/log/mosquitto"],
        ..NONE
    },
    Server {
        program: "rabbitmq-server",
        family: "debian",
        user: Some(("rabbitmq", "rabbitmq")),
        folders: &["/var/lib/rabbitmq", "/var/log/rabbitmq"],
        ..NONE
    },
    Server { program: "memcached", family: "debian", user: Some(("memcache", "memcache")), ..NONE },
    Server { program: "memcached", family: "alpine", user: Some(("memcached", "memcached")), ..NONE },
    Server { program: "memcached", family: "rhel", user: Some(("memcached", "memcached")), ..NONE },
    Server {
        program: "clamd",
        family: "debian",
        user: Some(("clamav", "clamav")),
        folders: &["/var/lib/clamav", "/var/log/clamav"],
        made: &["/run/clamav"],
        ..NONE
    },
    Server {
        program: "tor",
        family: "debian",
        user: Some(("debian-tor", "debian-tor")),
        made: &["/var/lib/tor", "/var/log/tor", "/run/tor"],
        ..NONE
    },
    Server {
        program: "tor",
        family: "alpine",
        user: Some(("tor", "tor")),
        made: &["/var/lib/tor", "/var/log/tor"],
        ..NONE
    },
    // Where nobody names another folder, it makes this one where it runs.
    Server { program: "etcd", made: &["/default.etcd"], ..NONE },
    Server { program: "mongod", made: &["/data/db"], ..NONE },
    Server { program: "Orthanc", made: &["/var/lib/orthanc/db"], ..NONE },
    Server { program: "influxd", made: &["/var/lib/influxdb"], ..NONE },
    Server {
        program: "mysqld",
        user: Some(("mysql", "mysql")),
        folders: &["/var/lib/mysql"],
        made: &["/var/run/mysqld"],
        ..NONE
    },
];

/// The server of this program.
pub(super) fn server(program: &str, image: &str, family: Option<Family>) -> Option<&'static Server> {
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
    let family = match family {
        Some(Family::Debian | Family::Ubuntu) => "debian",
        Some(Family::Alpine) => "alpine",
        Some(Family::Rhel | Family::Fedora | Family::Amazon) => "rhel",
        _ => "",
    };
    let mut fitting = SERVERS.iter().filter(|server| server.program == program);
    let own = fitting.clone().find(|server| !server.image.is_empty() && server.image == image);
    own.or_else(|| {
        fitting.find(|server| server.image.is_empty() && (server.family.is_empty() || server.family == family))
    })
}
