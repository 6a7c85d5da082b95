//! Lists of words by which things are known: programs, options, folders, ends of names.

use std::sync::OnceLock;

use super::sorted::Sorted;

static WORDS: Sorted = Sorted::new(include_str!("../../data/words.tsv"));

/// The lists, and what each of them is called in the table.
macro_rules! lists {
    ($($(#[$doc:meta])* $list:ident = $name:literal,)+) => {
        /// A list of words of `data/words.tsv`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Words {
            $($(#[$doc])* $list,)+
        }

        const NAMES: &[&str] = &[$($name,)+];
    };
}

lists! {
    /// Options of `dotnet run` that take the next word.
    DotnetRunValued = "dotnet-run-valued",
    /// Options of `dotnet publish` that take the next word, and change nothing of what the program is called.
    DotnetPublishValued = "dotnet-publish-valued",
    /// Ends of the names of files that a program of .NET may read at its start, though no project lists them.
    DotnetData = "dotnet-data",
    /// Options of Maven that take the next word.
    MavenValued = "maven-valued",
    /// Settings of Spring Boot's plugin by which the goal that starts the program does what starting the archive does not.
    SpringBootKeys = "spring-boot-keys",
    /// Options of `cargo run` that take the next word.
    CargoRunValued = "cargo-run-valued",
    /// Options of build tools that change nothing of what is made.
    QuietOptions = "quiet-options",
    /// Starts of the names of variables that build tools read.
    ToolVariables = "tool-variables",
    /// Variables that say which environment it is.
    EnvironmentVariables = "environment-variables",
    /// What starts the program that its first text names: functions and types of the languages whose images are full ones.
    Callers = "callers",
    /// Compilers that programs start on sources that they are given, as judges and sandboxes do.
    Compilers = "compilers",
    /// What of Git is used by who starts it, where its name begins a text.
    GitVerbs = "git-verbs",
    /// Folders of who works on the project, beside its tests.
    WorkFolders = "work-folders",
    /// Files that builds, tests and who works on the project start.
    WorkFiles = "work-files",
    /// Programs that start Go, or what of it, when they run.
    GoStarters = "go-starters",
    /// Calls of Go that open what they are given.
    GoOpeners = "go-openers",
    /// Programs by which the modules and scripts of Node's projects are used.
    NodePrograms = "node-programs",
    /// Programs of Node's modules that start what their own settings say, or compile what they start.
    ScriptRunners = "script-runners",
    /// Names of scripts of `package.json` that bundle.
    BundlingScripts = "bundling-scripts",
    /// What sources in Java name that use the tools of a JDK when they run: its compiler, its debugger, its shell, and
    /// libraries that compile templates and rules with them.
    JdkUses = "jdk-uses",
    /// Libraries of Java that draw for those who use them, as projects name them: tables, documents, charts, codes to read off.
    DrawingJars = "drawing-jars",
    /// Folders of a project of which nothing is opened when its program runs.
    AsideFolders = "aside-folders",
    /// Starts of the names of files about the project: for its readers, and for the tools and sites that build and run it.
    AboutFiles = "about-files",
    /// Starts of such names in the uppermost folder, which are those of data in others.
    AboutFilesAbove = "about-files-above",
    /// Ends of the names of sources and manifests, which a compiled program does not open.
    SourceEnds = "source-ends",
    /// Those of them that a program may well open in a folder that it names: texts, scripts and logs.
    NamedEnds = "named-ends",
    /// Words of calls, of whatever language, that open what is written after them.
    OpeningCalls = "opening-calls",
    /// Types of the JVM by which files are opened, programs started, or settings read.
    JvmOpeners = "jvm-openers",
    /// Functions and types of Rust and C by which files are opened, programs started, or settings read.
    NativeOpeners = "native-openers",
    /// Ends of the names of files that name no other file.
    NamelessEnds = "nameless-ends",
    /// Ends of the names of settings.
    SettingEnds = "setting-ends",
    /// Ends of the names of sources that are compiled into a program.
    CompiledEnds = "compiled-ends",
    /// Folders that every image has, whoever makes something in them.
    StandingFolders = "standing-folders",
    /// Words in the addresses of compiled programs.
    BinaryWords = "binary-words",
    /// What a start may do before it comes to the program, and nothing of it is a matter of the image.
    AroundStarts = "around-starts",
    /// Packages that the archives of Debian and Ubuntu have under the same name, in whatever release.
    CommonPackages = "common-packages",
    /// Packages that depend on the certificates of authorities.
    DependOnCertificates = "depend-on-certificates",
    /// Packages that recommend the certificates of authorities: what has curl's library in it, and others that download.
    RecommendCertificates = "recommend-certificates",
    /// Programs that a JDK has and a runtime lacks.
    JdkPrograms = "jdk-programs",
    /// Programs by whose names sources start a JDK: its compilers, and what builds with them.
    JdkCallers = "jdk-callers",
    /// Programs that are given the source that they start; PHP, whose images have nothing smaller, is none of them.
    Interpreters = "interpreters",
    /// Parts of the names of database servers.
    DatabaseNames = "database-names",
    /// Packages of the languages that sites are made with.
    SiteTools = "site-tools",
    /// Folders in which packages of the distribution have files of their own: what is added to them can't be copied apart.
    PackagedFolders = "packaged-folders",
    /// Accounts that distributions and the packages of servers bring.
    KnownAccounts = "known-accounts",
    /// What sets up the shipped image alone: servers, their modules, the services that start.
    ServicePrograms = "service-programs",
    /// Files that tools read while they build.
    BuildSettings = "build-settings",
    /// Folders that a distribution and the images of the languages come with.
    StandardFolders = "standard-folders",
    /// Images of languages that stand on a slim image of Debian, and not on `buildpack-deps`.
    SlimByThemselves = "slim-by-themselves",
    /// Programs that every image has, or that the packages of servers bring under another name.
    CommonPrograms = "common-programs",
    /// Folders whose files are root's.
    RootsFolders = "roots-folders",
    /// Ends of the names of archives and installers.
    ArchiveEnds = "archive-ends",
    /// Folders that build tools are unpacked into, without their version.
    ToolFolders = "tool-folders",
    /// Folders that every base has, so that nobody makes them.
    MadeByTheBase = "made-by-the-base",
    /// Modules of Python that are compiled with the toolchain of the image. Their names are words of every day, and parts of others.
    CompiledModules = "compiled-modules",
    /// Modules that open shared libraries of the system by their names as they run, so that no file of theirs links to these.
    ModulesThatOpen = "modules-that-open",
    /// Ends of the names of sources of C and its relatives.
    NativeEnds = "native-ends",
    /// Tools of the build that are no more than a script or a small program: to keep them is to keep no compiler.
    SmallTools = "small-tools",
    /// Packages of tools that a build seldom starts unseen: where it does not start them, they are there for what runs.
    ToolsOfRunTime = "tools-of-run-time",
    /// Ends of names of which Python knows no type without `/etc/mime.types`.
    MimeEnds = "mime-ends",
    /// Starts of the names of packages of libraries that are large.
    HeavyLibraries = "heavy-libraries",
    /// Parts of words that say that something is built.
    BuildWords = "build-words",
    /// Folders that hold the result of a build.
    OutputFolders = "output-folders",
    /// Folders that hold what the distribution and its packages own: they are never carried themselves.
    SystemFolders = "system-folders",
    /// Programs that show a prompt or wait: who starts them works in the container.
    Shells = "shells",
    /// Programs in which people write programs.
    Editors = "editors",
    /// Manifests and lock files of projects, as instructions copy them.
    Manifests = "manifests",
    /// Manifests and lock files that may be those of a workspace, whose members' builds write beside them.
    WorkspaceFiles = "workspace-files",
    /// Programs that gems bring.
    RubyTools = "ruby-tools",
    /// The distributions' package managers.
    PackageManagers = "package-managers",
    /// Folders of a project's tests, and of what these read.
    TestFolders = "test-folders",
    /// What a script calls that brings more than it makes.
    DownloadMarks = "download-marks",
    /// Where systems keep what programs only read, or what every user can write.
    ReadOnlyFolders = "read-only-folders",
    /// Folders that are everybody's: what lies in them may be an application's, they never are.
    SharedFolders = "shared-folders",
    /// Files of projects without an extension.
    PlainFiles = "plain-files",
    /// Ends of the names of files of data, which programs read and write.
    DataEnds = "data-ends",
    /// Parts of the names of settings and manifests that end so too.
    SettingNames = "setting-names",
    /// Folders of code, and of what is served from it.
    CodeFolders = "code-folders",
    /// Variables that name a folder in which programs keep what they write.
    WrittenVariables = "written-variables",
    /// Ends of the names of such variables.
    WrittenVariableEnds = "written-variable-ends",
    /// Words for folders in which something is kept.
    KeepingWords = "keeping-words",
    /// Options by which a server is told where to make its socket.
    SocketOptions = "socket-options",
    /// Folders of `/etc` that are the system's, and no program's own.
    SystemSettings = "system-settings",
    /// Options of `useradd` and `adduser` whose value is the next word.
    UseraddValued = "useradd-valued",
    /// Ends of the names of code that is read as it is.
    CodeEnds = "code-ends",
    /// Folders whose code is not what the program runs.
    OthersFolders = "others-folders",
    /// Options of `go build` and its relatives that take the next word.
    GoValued = "go-valued",
    /// Hosts that serve Docker Hub, with the path that stands for it.
    Mirrors = "mirrors",
    /// Namespaces of Docker Hub under which each official image stands again for one architecture.
    ArchitectureSpaces = "architecture-spaces",
    /// Words by which the tags of images name their Java.
    JavaWords = "java-words",
    /// Variables that only the Go toolchain reads, by its documentation (`go help environment`) and the official image.
    GoVariables = "go-variables",
    /// What the name of an archive says beside the name of the program, and its version.
    PlatformWords = "platform-words",
    /// Programs that run another one: the words after them are the command, options of their own left out.
    WrapperPrograms = "wrapper-programs",
    /// Options of package managers that take a value as the next word.
    InstallValued = "install-valued",
    /// Parts of the names of packages that bring the address or the key of an archive.
    ArchivePackages = "archive-packages",
    /// Options of Git whose value is the next word.
    GitValued = "git-valued",
}

static LISTS: [OnceLock<Vec<&'static str>>; NAMES.len()] = [const { OnceLock::new() }; NAMES.len()];

impl Words {
    /// The words of the list, in the table's order.
    pub fn list(self) -> &'static [&'static str] {
        let at = self as usize;
        let read = || NAMES.get(at).into_iter().flat_map(|name| WORDS.all(name)).map(|row| row.rest).collect();
        LISTS.get(at).map_or(&[], |list| list.get_or_init(read))
    }

    /// Whether a word is in the list.
    pub fn has(self, word: &str) -> bool {
        self.list().contains(&word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_has_words_and_every_word_is_once_in_a_list() {
        WORDS.check();
        let mut seen = Vec::new();
        for row in WORDS.rows() {
            assert!(NAMES.contains(&row.key), "{} is no list", row.key);
            assert!(!seen.contains(&(row.key, row.rest)), "{} is twice in {}", row.rest, row.key);
            seen.push((row.key, row.rest));
        }
        for name in NAMES {
            assert!(seen.iter().any(|(list, _)| list == name), "{name} is empty");
        }
        assert!(Words::Shells.has("bash") && !Words::Shells.has("bas"));
    }
}
