namespace Emulator.Jit;

/// <summary>What regions left to others of one instruction.</summary>
/// <param name="Instruction">Iced's name of the code.</param>
/// <param name="Calls">Calls of the interpreter's handler.</param>
/// <param name="Misses">Exits in front of it because an address was not in the TLB.</param>
/// <param name="Exits">Exits in front of it for all other reasons.</param>
public sealed record RegionCount(string Instruction, long Calls, long Misses, long Exits);
