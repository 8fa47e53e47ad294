using System.CommandLine;

namespace Emulator.Frontend.CommandLine;

/// <summary>An option with what <c>--help</c> says about it.</summary>
/// <param name="Group">Heading under which it stands.</param>
/// <param name="Option">The option.</param>
/// <param name="Syntax">Name and argument.</param>
/// <param name="Help">What it does, and its default.</param>
internal sealed record OptionEntry(string Group, Option Option, string Syntax, string Help);
