const entries = [
    { label: 'Overview', destination: '/overview' },
    { label: 'Leave', destination: '/leave' },
];

export const Menu = () => <nav>{entries.map((entry) => <a href={entry.destination}>{entry.label}</a>)}</nav>;
