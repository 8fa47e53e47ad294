using System.Globalization;
using System.Text;
using Emulator.Jit;

namespace Emulator.Tests.Conformance;

/// <summary>Options of a run.</summary>
internal sealed record VectorRunOptions
{
    /// <summary>Only codes whose name contains one of these (comma between them), ignoring case; null for all.</summary>
    public string? CodeFilter { get; init; }

    /// <summary>Only the vector with this number; null for all.</summary>
    public int? Index { get; init; }

    /// <summary>Only every so-manieth vector.</summary>
    public int Every { get; init; } = 1;

    /// <summary>Which of them: the remainder of the number, below <see cref="Every"/>.</summary>
    public int Remainder { get; init; }

    /// <summary>Failures that are described, for each code.</summary>
    public int DescribePerCode { get; init; } = 1;

    /// <summary>Failures that are described, in all.</summary>
    public int DescribeTotal { get; init; } = 20;
}

/// <summary>Outcome of one file in one mode.</summary>
internal sealed class VectorRunResult
{
    public int Run { get; set; }

    public int Passed => Run - Failures.Count - Warnings.Count;

    /// <summary>Numbers and codes of the vectors that failed.</summary>
    public List<(int Index, string Code)> Failures { get; } = [];

    /// <summary>Model-dependent vectors that differ.</summary>
    public List<(int Index, string Code)> Warnings { get; } = [];

    /// <summary>Vectors with a tolerance whose result differs from the recorded one, within that tolerance.</summary>
    public int Inexact { get; set; }

    /// <summary>Differences of the first failures.</summary>
    public List<string> Descriptions { get; } = [];
}

/// <summary>Runs the vectors of a file in one mode on a machine of its own.</summary>
/// <param name="options">How the translator works; vectors then run to their HLT. Null for the interpreter alone.</param>
internal sealed class VectorRunner(JitOptions? options = null)
{
    /// <summary>Vectors between two looks at all of RAM.</summary>
    private const int Batch = 128;

    private readonly VectorMachine _machine = new(options);
    private readonly StringBuilder _report = new();
    private readonly Dictionary<string, int> _described = [];

    /// <summary>Runs a file in a mode.</summary>
    /// <param name="file">The file; it is read from its start.</param>
    /// <param name="mode">One mode; vectors that do not claim it are left out.</param>
    /// <param name="options">Which vectors, and how much is described.</param>
    public VectorRunResult Run(VectorFile file, VectorModes mode, VectorRunOptions options)
    {
        VectorRunResult result = new();
        _described.Clear();
        _machine.Prepare(file);
        file.Rewind();
        int first = 0;
        int inBatch = 0;
        while (file.Read())
        {
            Vector v = file.Current;
            if (!IsWanted(v, mode, options))
            {
                continue;
            }

            if (inBatch == 0)
            {
                first = v.Index;
            }

            result.Run++;
            inBatch++;
            if (!RunOne(file, mode, checkAllMemory: false, null))
            {
                Fail(file, v, mode, options, result);
            }
            else if (_machine.WasInexact)
            {
                result.Inexact++;
            }

            if (inBatch == Batch)
            {
                inBatch = 0;
                CheckBatch(file, mode, options, result, first, v.Index);
            }
        }

        if (inBatch != 0)
        {
            CheckBatch(file, mode, options, result, first, file.Count - 1);
        }

        return result;
    }

    private static bool IsWanted(Vector v, VectorModes mode, VectorRunOptions options) =>
        (v.Modes & mode) != 0 && v.Index % options.Every == options.Remainder && (options.Index is null || options.Index == v.Index)
        && (options.CodeFilter is null || options.CodeFilter.Split(',').Any(c => v.Code.Contains(c, StringComparison.OrdinalIgnoreCase)));

    /// <summary>Sets up, executes, compares and takes back the current vector.</summary>
    private bool RunOne(VectorFile file, VectorModes mode, bool checkAllMemory, StringBuilder? report)
    {
        Vector v = file.Current;
        _machine.Setup(v, mode);
        bool ok = true;
        try
        {
            _machine.Execute(v);
        }
        catch (InvalidOperationException e)
        {
            // The translator found itself wrong.
            ok = false;
            report?.Append(e.ToString());
            _machine.RenewTranslator();
        }

        _machine.Expect(v);
        ok &= VectorComparer.RegistersMatch(_machine, v, mode, report);
        if (_machine.Divergence is { } divergence)
        {
            ok = false;
            report?.Append(divergence.Report);
            _machine.RenewTranslator();
        }

        bool memory = checkAllMemory ? _machine.AllMemoryMatches() : _machine.ListedMemoryMatches(v);
        if (!memory && report is not null)
        {
            VectorComparer.DescribeMemory(_machine, report);
        }

        ok &= memory;
        _machine.Undo(v, mode);
        if (!ok)
        {
            _machine.RestoreAll();
        }

        return ok;
    }

    /// <summary>When some vector of a batch wrote where none should, runs the batch again with a look at all of RAM behind each.</summary>
    private void CheckBatch(VectorFile file, VectorModes mode, VectorRunOptions options, VectorRunResult result, int first, int last)
    {
        if (_machine.AllMemoryMatches())
        {
            return;
        }

        _machine.RestoreAll();
        HashSet<int> known = [.. result.Failures.Select(f => f.Index), .. result.Warnings.Select(f => f.Index)];
        for (bool more = file.ReadAt(first); more && file.Current.Index <= last; more = file.Read())
        {
            if (IsWanted(file.Current, mode, options) && !known.Contains(file.Current.Index) && !RunOne(file, mode, checkAllMemory: true, null))
            {
                Fail(file, file.Current, mode, options, result);
            }

            if (file.Current.Index == last)
            {
                break;
            }
        }
    }

    private void Fail(VectorFile file, Vector v, VectorModes mode, VectorRunOptions options, VectorRunResult result)
    {
        (v.Has(VectorAttributes.CpuSpecific) ? result.Warnings : result.Failures).Add((v.Index, v.Code));
        int described = _described.GetValueOrDefault(v.Code);
        if (v.Has(VectorAttributes.CpuSpecific) || described >= options.DescribePerCode || result.Descriptions.Count >= options.DescribeTotal)
        {
            return;
        }

        _described[v.Code] = described + 1;
        _report.Clear();
        Describe(file, v, mode, _report);
        RunOne(file, mode, checkAllMemory: true, _report);
        result.Descriptions.Add(_report.ToString());
    }

    private static void Describe(VectorFile file, Vector v, VectorModes mode, StringBuilder report)
    {
        byte[] bytes = file.Data.AsSpan(v.BytesOffset, v.BytesLength).ToArray();
        bool is32 = mode is VectorModes.U32 or VectorModes.P32;
        Iced.Intel.Decoder decoder = Iced.Intel.Decoder.Create(is32 ? 32 : 16, bytes);
        decoder.IP = v.Initial.Eip;
        List<string> text = [];
        while (decoder.IP < v.Initial.Eip + (ulong)bytes.Length && text.Count < 32)
        {
            text.Add(decoder.Decode().ToString());
        }

        VectorState i = v.Initial;
        report.Append(CultureInfo.InvariantCulture, $"{file.Name} {mode} #{v.Index} {v.Code} {v.Environment} {v.Attributes}: {string.Join("; ", text)}   [{Convert.ToHexString(bytes)}]\n");
        report.Append(CultureInfo.InvariantCulture, $"  from EAX {i.Gpr[0]:X8} ECX {i.Gpr[1]:X8} EDX {i.Gpr[2]:X8} EBX {i.Gpr[3]:X8} ESP {i.Gpr[4]:X8} EBP {i.Gpr[5]:X8} ESI {i.Gpr[6]:X8} EDI {i.Gpr[7]:X8}\n");
        report.Append(CultureInfo.InvariantCulture, $"  EIP {i.Eip:X8} EFL {i.Eflags:X8} ES {i.Selectors[0]:X4} CS {i.Selectors[1]:X4} SS {i.Selectors[2]:X4} DS {i.Selectors[3]:X4} FS {i.Selectors[4]:X4} GS {i.Selectors[5]:X4}\n");
        if (v.Has(VectorAttributes.Fpu))
        {
            report.Append(CultureInfo.InvariantCulture, $"  FCW {i.Fcw:X4} FSW {i.Fsw:X4} FTW {i.Ftw:X2}");
            for (int p = 0; p < 8; p++)
            {
                if ((i.Ftw & (1 << p)) != 0)
                {
                    report.Append(CultureInfo.InvariantCulture, $" R{p} {i.SignExponents[p]:X4} {i.Significands[p]:X16}");
                }
            }

            report.Append('\n');
        }

        if (v.Has(VectorAttributes.Sse))
        {
            report.Append(CultureInfo.InvariantCulture, $"  MXCSR {i.Mxcsr:X4}");
            for (int x = 0; x < 8; x++)
            {
                report.Append(CultureInfo.InvariantCulture, $" X{x} {i.Xmm[(2 * x) + 1]:X16}_{i.Xmm[2 * x]:X16}");
            }

            report.Append('\n');
        }

        foreach (MemoryRun run in i.Memory)
        {
            report.Append(CultureInfo.InvariantCulture, $"  mem [{run.Address:X8}] {Convert.ToHexString(file.Data.AsSpan(run.Offset, Math.Min(run.Length, 32)))}\n");
        }

        if (v.Exception != Vector.NoException)
        {
            report.Append(CultureInfo.InvariantCulture, $"  expects exception {v.Exception:X}, error code {(v.Error == Vector.NoErrorCode ? "none" : v.Error.ToString("X", CultureInfo.InvariantCulture))}\n");
        }

        report.Append("  differences:\n");
    }
}
