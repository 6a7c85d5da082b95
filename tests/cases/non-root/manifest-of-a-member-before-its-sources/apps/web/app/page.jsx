export default function Page() {
  return <h1>Press</h1>;
}
